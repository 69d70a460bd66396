"""Rates: the arithmetic (`gcra`), its bounded memory (`table`) and the limits of packs and clients (`limiter`)."""
