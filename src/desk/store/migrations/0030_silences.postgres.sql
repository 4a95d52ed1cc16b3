UPDATE cases SET place = COALESCE(row_json::json -> 'place' ->> 'code', '');
CREATE INDEX cases_place ON cases (status, place, hazard) WHERE closed = 0;
