"""What runs a network that it is handed: ONNX Runtime, or torch."""
