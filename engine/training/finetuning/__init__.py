"""What the model of codes and texts is taught further: to fill holes, to follow instructions, edges
and turned heads, to draw like another picture. Each begins with its weights; one file here is one
lesson; `begin` also serves other diffusion models that go on from one that is here.
"""
