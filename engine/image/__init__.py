"""Pictures as arrays and as files. sRGB, uint8, HWC throughout."""
