"""Pure numpy maths on latents: z, w and ws. Nothing here knows a network."""
