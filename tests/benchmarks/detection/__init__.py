"""What do the rules for losses find, how late, and how often for nothing?"""
