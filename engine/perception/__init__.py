"""Networks that look at pictures: attributes, the second judge, ImageNet features."""
