"""Learning a style from pictures: pairs are found, laid over each other, checked, fitted, and reported on."""
