// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/profile.h"

#include <optional>

#include "userspace/document/document.h"
#include "userspace/profile/profile.h"
#include "userspace/show/problems.h"
#include "userspace/show/profile.h"
#include "userspace/show/profile_page.h"
#include "userspace/show/table.h"

namespace edgefw::cli {

using nlohmann::ordered_json;

namespace {

// One profile that is wrong gives the exit code, also beside others that cannot be read.
void add(std::optional<Error>& errors, const Error& error) {
    if (!errors) {
        errors = error;
        return;
    }
    if (error.kind == ErrorKind::kPolicy) errors->kind = error.kind;
    errors->message += "\n" + error.message;
    errors->problems.insert(errors->problems.end(), error.problems.begin(), error.problems.end());
}

}  // namespace

Result<Ok> run(const ProfileListOptions& /*options*/, Context& context) {
    ordered_json list = ordered_json::array();
    show::Table table({{"profile"}, {"for"}});
    std::optional<Error> errors;  // the good ones are listed all the same
    for (const std::string& name : policy::profile_names(context.profiles)) {
        const auto profile = policy::load_profile(name, context.profiles);
        if (!profile) {
            add(errors, profile.error());
            continue;
        }
        const policy::Profile& found = **profile;
        list.push_back({{"name", name},
                        {"title", found.title},
                        {"document", found.document},
                        {"file", policy::profile_file(name, context.profiles)}});
        table.add({name, found.title});
    }
    if (context.options.json) {
        const ordered_json wrong = errors ? show::problems_json(*errors) : ordered_json::array();
        context.out.write(ordered_json{{"profiles", list}, {"errors", wrong}}.dump(
                              2, ' ', false, ordered_json::error_handler_t::replace) +
                          "\n");
    } else if (table.empty() && !errors) {
        context.log.warn("warning: no profile found: name their folder with --profiles DIR");
    } else {
        context.out.write(table.to_text(context.out.width()));
    }
    if (errors) return *errors;
    return Ok{};
}

Result<Ok> run(const ProfileShowOptions& options, Context& context) {
    const auto profile = policy::load_profile(options.name, context.profiles);
    if (!profile) return profile.error();
    const ordered_json json = policy::show(**profile);
    if (options.markdown) {
        context.out.write(show::profile_page(json));
        return Ok{};
    }
    context.out.write(context.options.json ? json.dump(2) + "\n" : show::profile_text(json, context.out.width()));
    return Ok{};
}

}  // namespace edgefw::cli
