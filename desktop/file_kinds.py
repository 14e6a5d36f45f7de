"""What file dialogs offer."""

from __future__ import annotations

PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.tiff *.tif *.avif);;All files (*)"
