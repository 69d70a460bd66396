"""SMPP dialogues as data, run against the real gate over real sockets. README.md describes the files."""
