"""One file a verb: what the studio's door hands on."""
