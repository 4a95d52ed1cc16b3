UPDATE cases SET place = COALESCE(json_extract(row_json, '$.place.code'), '');
CREATE INDEX cases_place ON cases (status, place, hazard) WHERE closed = 0;
