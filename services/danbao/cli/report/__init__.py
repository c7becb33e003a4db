"""`danbao report`: a day as one page for people who look rather than read."""
