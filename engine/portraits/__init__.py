"""The drawn data set: stylised heads rendered from parameters, with every label.

Nothing here imports torch until a picture is drawn, so that labels, captions and edit
instructions can be had without it.
"""
