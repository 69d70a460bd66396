"""What a handset shows, made comparable: folded words (`normalize`, `lookalikes`, `disguise`) and links (`urls`)."""
