"""What does one open to look at runs? A page of HTML: of recorded ones a file, and of all below a folder a live one."""
