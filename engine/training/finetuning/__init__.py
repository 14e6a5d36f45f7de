"""What the model of codes and texts is taught further: to fill holes, to follow instructions and
edges, to draw like another picture. Each begins with its weights, and one file here is one lesson.
"""
