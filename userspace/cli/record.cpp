// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/cli/record.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "userspace/document/listing.h"
#include "userspace/image/hosts.h"
#include "userspace/kernel/door.h"

namespace edgefw::cli {
namespace {

constexpr std::size_t kLongestCommand = 4096;

std::string file_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Who typed it: sudo says who called it.
std::string own_user() {
    const char* caller = std::getenv("SUDO_USER");
    if (geteuid() == 0 && caller != nullptr && *caller != '\0') return caller;
    const passwd* user = getpwuid(getuid());
    return user == nullptr ? std::to_string(getuid()) : user->pw_name;
}

// As a shell would read it again.
std::string as_typed(const std::string& word) {
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789-_./:=,@%+[]") == std::string::npos;
    if (plain) return word;
    std::string text = "'";
    for (const char letter : word)
        text += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    return text + "'";
}

std::string own_command() {
    std::string text, word;
    for (const char letter : file_text("/proc/self/cmdline")) {
        if (letter != '\0') {
            word += letter;
            continue;
        }
        text += (text.empty() ? "" : " ") + as_typed(word);
        word.clear();
    }
    return text.size() <= kLongestCommand ? text : text.substr(0, kLongestCommand) + "...";
}

std::string whole_path(const std::string& file) {
    std::error_code error;
    const std::filesystem::path path = std::filesystem::absolute(file, error);
    return error || file == "-" ? file : path.lexically_normal().string();
}

std::vector<policy::Host> hosts_of(std::uint32_t generation) {
    const auto all = kernel::hosts_in_force();
    if (!all) return {};
    for (const kernel::HostsInForce& entry : *all) {
        if (entry.generation != generation) continue;
        auto hosts = image::parse_hosts(entry.text);
        return hosts ? std::move(hosts->hosts) : std::vector<policy::Host>();
    }
    return {};
}

// A generation that is in force without an entry.
Result<history::Entry> entry_of(const history::CardInForce& card) {
    const auto text = kernel::sources_in_force(card.interface);
    if (!text) return text.error();
    auto sources = document::read_sources(*text);
    if (!sources) return sources.error();
    history::Entry entry;
    entry.facts.file = sources->file;
    entry.facts.digest = card.digest;
    entry.sources = std::move(*sources);
    entry.hosts = hosts_of(card.generation);
    // Not in force any more: another one came meanwhile.
    const auto digest = entry.sources.digest();
    if (!digest) return digest.error();
    if (*digest != card.digest) return failed("the policy in force changes");
    return entry;
}

}  // namespace

std::vector<history::CardInForce> cards_in_force() {
    std::vector<history::CardInForce> cards;
    const auto status = kernel::status(false);
    if (!status) return cards;
    for (const kernel::CardStatus& entry : status->cards)
        cards.push_back(
            {entry.card.interface, entry.pushed_as(), entry.card.digest,
             entry.repeats == 0 && status->standing.fell_back && entry.card.generation == status->generation});
    return cards;
}

std::string boot_id() {
    std::string id = file_text("/proc/sys/kernel/random/boot_id");
    id.erase(std::remove(id.begin(), id.end(), '\n'), id.end());
    return id;
}

Recorder::Recorder(Context& context, std::string user) : context_(context), user_(std::move(user)) {
    const auto place = history::place();
    auto folder = place ? history::Folder::open(*place) : Result<history::Folder>(place.error());
    if (folder)
        folder_ = std::move(*folder);
    else
        trouble_ = folder.error().message;
}

void Recorder::warn(const std::string& why) {
    context_.log.warn("warning: this push is not in the history, and `edgefw rollback` will not know it: {}", why);
}

void Recorder::begin() {
    lock_.reset();
    if (!folder_) return;
    auto lock = folder_->lock();
    if (!lock) {
        trouble_ = lock.error().message;
        return;
    }
    trouble_.clear();
    lock_ = std::move(*lock);
    cards_ = cards_in_force();
    catch_up();
}

void Recorder::catch_up() {
    const std::string boot = boot_id();
    const history::Contents contents = folder_->list();
    std::set<std::uint32_t> done;
    for (const history::CardInForce& card : cards_) {
        if (card.generation == 0 || find_in_force(contents.entries, card, boot) != nullptr) continue;
        if (!done.insert(card.generation).second) continue;
        auto entry = entry_of(card);
        if (!entry) continue;  // it was pushed by a version that kept no texts
        entry->facts.boot = boot;
        entry->facts.generation = card.generation;
        entry->facts.time = std::time(nullptr);
        for (const history::CardInForce& other : cards_) {
            if (other.generation == card.generation) entry->facts.cards.push_back(other.interface);
        }
        entry->facts.one_card = entry->facts.cards.size() == 1 && cards_.size() > 1;
        write(std::move(*entry));
    }
}

void Recorder::write(history::Entry entry) {
    const std::string boot = boot_id();
    const auto written = folder_->write(std::move(entry), [&](const history::Contents& now) {
        return history::superfluous(now.numbers, now.entries, cards_, boot);
    });
    if (!written) trouble_ = written.error().message;
}

void Recorder::end(const policy::Policy& policy, const std::string& texts, const InForce& in_force) {
    if (lock_) {
        for (const std::string& interface : in_force.cards) {
            std::erase_if(cards_, [&](const history::CardInForce& card) { return card.interface == interface; });
            cards_.push_back({interface, in_force.generation, policy.digest, false});
        }
        history::Entry entry;
        entry.facts.from = in_force.from;
        entry.facts.time = std::time(nullptr);
        entry.facts.boot = boot_id();
        entry.facts.generation = in_force.generation;
        entry.facts.cards = in_force.cards;
        entry.facts.one_card = in_force.one_card;
        entry.facts.digest = policy.digest;
        entry.facts.user = user_.empty() ? own_user() : user_;
        entry.facts.command = own_command();
        entry.facts.rules = policy.rules.size();
        entry.hosts = policy.hosts;
        auto sources = document::read_sources(texts);
        if (sources) {
            entry.facts.file = whole_path(sources->file);
            entry.sources = std::move(*sources);
            trouble_.clear();
            write(std::move(entry));
        } else {
            trouble_ = sources.error().message;
        }
    }
    lock_.reset();
    if (!trouble_.empty()) warn(trouble_);
}

Result<kernel::Card> attach(kernel::AttachRequest request, engine::Built built, Recorder& recorder) {
    const std::string sources = built.compiled.sources;
    request.policy = std::move(built.compiled);
    recorder.begin();
    Result<kernel::Card> card = kernel::attach(request);
    if (card)
        recorder.end(built.policy, sources, {card->generation, {card->interface}, true});
    else
        recorder.give_up();
    return card;
}

}  // namespace edgefw::cli
