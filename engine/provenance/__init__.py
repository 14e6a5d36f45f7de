"""Who made a picture and how: claims, signatures, verdicts, and the ledger of exports."""
