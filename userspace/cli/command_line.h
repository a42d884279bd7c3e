// SPDX-License-Identifier: GPL-2.0-only
// The whole command line: which subcommand was chosen, with which options.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "userspace/cli/attach.h"
#include "userspace/cli/boot.h"
#include "userspace/cli/check.h"
#include "userspace/cli/confirm.h"
#include "userspace/cli/connections.h"
#include "userspace/cli/context.h"
#include "userspace/cli/counters.h"
#include "userspace/cli/detach.h"
#include "userspace/cli/diff.h"
#include "userspace/cli/doctor.h"
#include "userspace/cli/drops.h"
#include "userspace/cli/explain.h"
#include "userspace/cli/history.h"
#include "userspace/cli/profile.h"
#include "userspace/cli/push.h"
#include "userspace/cli/replay.h"
#include "userspace/cli/serve.h"
#include "userspace/cli/show.h"
#include "userspace/cli/status.h"

namespace edgefw::cli {

struct CommandLine {
    GlobalOptions global;
    AttachOptions attach;
    DetachOptions detach;
    PushOptions push;
    ConfirmOptions confirm;
    RollbackOptions rollback;
    HistoryOptions history;
    CheckOptions check;
    DiffOptions diff;
    ShowOptions show;
    ExplainOptions explain;
    ReplayOptions replay;
    CountersOptions counters;
    ConnectionsOptions connections;
    DropsOptions drops;
    StatusOptions status;
    ServeOptions serve;
    DoctorOptions doctor;
    BootOptions boot;
    ProfileListOptions profile_list;
    ProfileShowOptions profile_show;
    ProfileNewOptions profile_new;
    ProfileCheckOptions profile_check;
};

inline void add_global_to(CLI::App& app, GlobalOptions& options, const std::string& version) {
    app.require_subcommand(1);
    app.fallthrough();  // these options may stand after the subcommand too
    app.add_option("--profiles", options.profiles, "Look for profiles here first; may be repeated")
        ->allow_extra_args(false)
        ->type_name("DIR");
    app.add_option("--resolver", options.resolver, "The DNS server to ask for hosts that rules name")
        ->type_name("ADDR[:PORT]");
    app.add_option("--resolve", options.resolve, "The addresses of a host, instead of asking; may be repeated")
        ->allow_extra_args(false)
        ->type_name("NAME=ADDR,...");
    app.add_flag("--json", options.json, "Results as JSON");
    app.add_flag("--verbose", options.verbose, "Say on standard error what is done and how long it takes");
    app.set_version_flag("--version", "edgefw " + version);
}

// Calls `visit(parent, options)` for each subcommand, in the order of `--help`.
template <typename Visit>
void for_each_command(CLI::App& app, CommandLine& line, Visit visit) {
    visit(app, line.attach);
    visit(app, line.detach);
    visit(app, line.push);
    visit(app, line.confirm);
    visit(app, line.rollback);
    visit(app, line.history);
    visit(app, line.check);
    visit(app, line.diff);
    visit(app, line.show);
    visit(app, line.explain);
    visit(app, line.replay);
    visit(app, line.counters);
    visit(app, line.connections);
    visit(app, line.drops);
    visit(app, line.status);
    visit(app, line.serve);
    visit(app, line.doctor);
    visit(app, line.boot);
    CLI::App& profile = add_profile_to(app);
    visit(profile, line.profile_list);
    visit(profile, line.profile_show);
    visit(profile, line.profile_new);
    visit(profile, line.profile_check);
}

}  // namespace edgefw::cli
