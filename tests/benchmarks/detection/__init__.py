"""What do the rules for losses find, how late, and how often for nothing? On curves to choose by, and on others."""
