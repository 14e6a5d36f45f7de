"""Adobe's TrustMark, where the user has its networks: what they carry, and how they are fed.

Bui, Agarwal and Collomosse (2023), "TrustMark: Universal Watermarking for Arbitrary Resolution
Images". `bch` corrects errors, `packet` is the published layout of the 100 bits, `payload` is what
this program writes into them, `picture` brings a picture to the networks and the mark back into the
picture. The networks themselves are handed in as functions; `engine.services.trustmark` opens them.
"""
