"""What operators order by hand, for a time: blocks, and allowances. Each kind has a desk that keeps it in a file."""
