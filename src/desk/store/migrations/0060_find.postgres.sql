-- What a case is found by, in pieces of one to three characters, so that a filter that finds little asks an index. A table of its own:
-- a case changes often, what it is found by hardly ever.
CREATE TABLE case_terms (
    incident TEXT PRIMARY KEY,
    terms TEXT[] NOT NULL
);

-- The pieces of words, and places each behind an @. In alphabets three letters in a row; in scripts without spaces, whose
-- characters take three bytes or more, each character and each two in a row. Whatever contains a word contains its pieces.
CREATE FUNCTION case_terms_of(words TEXT, places TEXT) RETURNS TEXT[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    c TEXT[] := string_to_array(words, NULL);
    found TEXT[] := '{}';
BEGIN
    FOR i IN 1 .. cardinality(c) LOOP
        IF octet_length(c[i]) > 2 THEN
            found := found || c[i];
            IF octet_length(c[i + 1]) > 2 THEN
                found := found || (c[i] || c[i + 1]);
            END IF;
        ELSIF octet_length(c[i + 1]) < 3 AND octet_length(c[i + 2]) < 3
            AND c[i] <> ' ' AND c[i + 1] <> ' ' AND c[i + 2] <> ' '
        THEN
            found := found || (c[i] || c[i + 1] || c[i + 2]);
        END IF;
    END LOOP;
    RETURN ARRAY(SELECT DISTINCT unnest(found)) || ARRAY(SELECT '@' || unnest(string_to_array(btrim(places), ' ')));
END
$$;

-- Kept by the database, so that no way of writing a case can forget it.
CREATE FUNCTION case_terms_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO case_terms VALUES (NEW.incident, case_terms_of(NEW.search, NEW.places))
    ON CONFLICT (incident) DO UPDATE SET terms = excluded.terms;
    RETURN NULL;
END
$$;
CREATE TRIGGER case_terms_new AFTER INSERT ON cases FOR EACH ROW EXECUTE FUNCTION case_terms_keep();
CREATE TRIGGER case_terms_other AFTER UPDATE ON cases FOR EACH ROW
    WHEN (OLD.search IS DISTINCT FROM NEW.search OR OLD.places IS DISTINCT FROM NEW.places)
    EXECUTE FUNCTION case_terms_keep();

INSERT INTO case_terms SELECT incident, case_terms_of(search, places) FROM cases;
CREATE INDEX case_terms_found ON case_terms USING gin (terms);
