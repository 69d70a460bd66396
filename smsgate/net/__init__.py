"""The only sockets: sessions with ESMEs and SMSCs, and the simulated SMSC."""
