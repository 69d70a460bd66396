"""What a handset shows, made comparable: folded words (`normalize`) and links (`urls`)."""
