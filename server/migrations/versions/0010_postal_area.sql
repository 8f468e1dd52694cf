-- The first three characters of the customer's postal code: a city has rules of contact of its own (New York), and this
-- says whether somebody may live there without saying where.
ALTER TABLE customer ADD COLUMN postal_area text CHECK (length(postal_area) = 3);
