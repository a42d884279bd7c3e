// Cards that are kept down: nothing else keeps packets from them.
#pragma once

#include <string>

#include "userspace/base/fd.h"
#include "userspace/base/result.h"

namespace edgefw::kernel {

// For as long as it lives, and with it the process.
class Down {
public:
    // Hears of changes from here on, then sets the card down.
    static Result<Down> hold(const std::string& interface);

    // Readable when something about a card of this namespace has changed: then again().
    int fd() const { return changes_.get(); }
    // Sets the card down again where somebody has set it up.
    Result<Ok> again();
    // Gives the card back: up where it was up, or somebody wanted it to be.
    Result<Ok> release();

private:
    std::string interface_;
    Fd changes_;
    bool is_wanted_ = false;
};

}  // namespace edgefw::kernel
