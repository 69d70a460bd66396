"""Configuration: YAML with positions (`source`), what it may say (`rulefile`, `load`), every fault as a diagnostic."""
