// What repeats by itself for accounts and the event stream.
#pragma once

#include "app/jobs.h"
#include "pds/accounts/lifecycle.h"
#include "pds/accounts/sessions.h"
#include "pds/accounts/sign_up.h"
#include "pds/sync/firehose.h"

namespace roost::app {

void add_account_jobs(Jobs& jobs, pds::SignUp& sign_up, pds::Lifecycle& lifecycle,
                      pds::Sessions& sessions);
void add_stream_jobs(Jobs& jobs, pds::Firehose& firehose);

}  // namespace roost::app
