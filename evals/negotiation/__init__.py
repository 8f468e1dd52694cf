"""Bargaining: customers who haggle by small rules, a reviewer who decides by a rule, and what is given away."""
