"""WHAT the boson is: its charges, its mixing with the photon, its widths, its pull on the muon's magnetic moment."""
