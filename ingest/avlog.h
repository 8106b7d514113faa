#ifndef INGEST_AVLOG_H
#define INGEST_AVLOG_H

/** Takes libav's own lines over, once for the process: redacted, at debug level. */
void cb_avlog_install(void);
/** The calling thread's latest error line of libav, redacted; "" since the last clear. */
const char *cb_avlog_last(void);
void cb_avlog_clear(void);
/** Words for a libav error: its own line where there is one, else the code's text. */
const char *cb_avlog_words(int averror);

/** Replaces users, passwords and tokens of URLs anywhere in text. size: with the end. */
void cb_redact(const char *text, char *ret, unsigned size);

#endif
