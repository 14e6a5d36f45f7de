"""Text and pictures in one space: CLIP (Radford et al., 2021), in its published layout."""
