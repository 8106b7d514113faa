#ifndef SCHEMA_CODEC_H
#define SCHEMA_CODEC_H

/* How records nest in each other: objects, not texts. Private to schema/. */

#include "json.h"
#include "schema/noise.h"
#include "schema/passage.h"
#include "schema/violation.h"

/** Yours; NULL when out of memory. The path is left out unless has_path. */
json_t *cb_passage_to_json(const struct cb_passage *p, bool has_path);
/** Fills ret (path NULL when there is none in the text); the caller deinits it, also on error. */
void cb_passage_from_json(struct cb_json_reader *rd, struct cb_passage *ret);
json_t *cb_noise_to_json(const struct cb_noise *n);
void cb_noise_from_json(struct cb_json_reader *rd, struct cb_noise *ret);
json_t *cb_violation_to_json(const struct cb_violation *v, bool has_path);
void cb_violation_from_json(struct cb_json_reader *rd, struct cb_violation *ret);

json_t *cb_incident_to_json(const struct cb_incident *i, const char *camera);
void cb_incident_from_json(struct cb_json_reader *rd, const char *camera, struct cb_incident *ret);

const char *cb_time_source_name(int s);

#endif
