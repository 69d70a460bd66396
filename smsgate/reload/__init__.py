"""Rules changed while the gate runs: compiled and tested in another process, then swapped in all workers, or refused."""
