#include "userspace/cli/profile.h"

#include "userspace/observe/profile.h"
#include "userspace/observe/profile_page.h"
#include "userspace/observe/table.h"
#include "userspace/policy/profile.h"

namespace edgefw::cli {

using nlohmann::ordered_json;

Result<Ok> run(const ProfileListOptions& /*options*/, Context& context) {
    ordered_json list = ordered_json::array();
    observe::Table table({{"profile"}, {"for"}});
    for (const std::string& name : policy::profile_names(context.profiles)) {
        const auto profile = policy::load_profile(name, context.profiles);
        if (!profile) return profile.error();
        const policy::Profile& found = **profile;
        list.push_back({{"name", name},
                        {"title", found.title},
                        {"document", found.document},
                        {"file", policy::profile_file(name, context.profiles)}});
        table.add({name, found.title});
    }
    if (context.options.json) {
        context.out.write(ordered_json{{"profiles", list}}.dump(2) + "\n");
    } else if (table.empty()) {
        context.log.warn("warning: no profile found: name their folder with --profiles DIR");
    } else {
        context.out.write(table.to_text(context.out.width()));
    }
    return Ok{};
}

Result<Ok> run(const ProfileShowOptions& options, Context& context) {
    const auto profile = policy::load_profile(options.name, context.profiles);
    if (!profile) return profile.error();
    const ordered_json json = policy::show(**profile);
    if (options.markdown) {
        context.out.write(observe::profile_page(json));
        return Ok{};
    }
    context.out.write(context.options.json ? json.dump(2) + "\n" : observe::profile_text(json, context.out.width()));
    return Ok{};
}

}  // namespace edgefw::cli
