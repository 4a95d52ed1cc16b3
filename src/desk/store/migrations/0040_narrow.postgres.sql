-- The two structures of a case, nine tenths of it, are kept beside the table, and what a board is filtered by in it: a filter that
-- finds little looks at narrow rows. Rows that are there already follow with their next change.
ALTER TABLE cases ALTER COLUMN places SET STORAGE MAIN, ALTER COLUMN search SET STORAGE MAIN;
ALTER TABLE cases SET (toast_tuple_target = 512);
