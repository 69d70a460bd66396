"""Rules: what they say (`model`, `condition`), how they are compiled (`compile`) and how a message meets them (`engine`)."""
