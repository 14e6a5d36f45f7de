"""An invisible mark that carries a 40-bit id, and survives what happens to pictures on the way.

`frame` brings any picture onto one canonical square; `lattice` says which waves of a small tile,
repeated all over that square, carry what; `code` turns an id into signs and soft signs back into
an id; `embed` adds the tile, `detect` finds it again, `align` undoes crops, turns and flips first.
A mark is a pointer into the ledger and never proof: who has this program can write any id.
"""
