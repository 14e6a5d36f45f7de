"""The window: Qt only. It knows the engine through studio, recipe, frame, errors and cancel."""
