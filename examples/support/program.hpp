// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What every program does the same way: parse, run, tell errors in one line, end with the right code.
#pragma once

#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/core/version.hpp>
#include <support/interrupt.hpp>

namespace program {

/// `NAME: error [dnalm.<kind>.<number>]: what, where, expected, found` on stderr.
inline int tell(const std::string& name, const dnalm::error& problem) {
  std::fprintf(stderr, "%s: error %s\n", name.c_str(), problem.what());
  return dnalm::exit_code(problem.kind());
}

/// A mistake on the command line in the same form. CLI11's messages may span lines.
inline int tell(const std::string& name, const CLI::ParseError& problem) {
  std::string words = problem.what();
  std::replace(words.begin(), words.end(), '\n', ' ');
  return tell(name, dnalm::error(dnalm::error_kind::usage, 702, words + " (--help tells more)"));
}

/// Parses the command line and runs `body`. Exit codes: 0 done, 1 internal, 2 usage, 3 bad input, 4 not
/// supported, 5 device or memory; 128 + signal after Ctrl-C.
template <class Body>
int run(CLI::App& app, int argc, char** argv, Body&& body) {
  const std::string name = app.get_name();
  watch_interrupts();
  std::signal(SIGXFSZ, SIG_IGN);  // a size limit shall be a write error, not a sudden end
  try {
    app.set_version_flag("--version", name + " " DNALM_VERSION_STRING);
    app.parse(argc, argv);
    body();
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      throw dnalm::error(dnalm::error_kind::io, 703, "standard output cannot be written");
    }
    return 0;
  } catch (const CLI::CallForHelp&) {
    std::printf("%s", app.help().c_str());
    return 0;
  } catch (const CLI::CallForVersion&) {
    std::printf("%s\n", app.version().c_str());
    return 0;
  } catch (const CLI::ParseError& problem) {
    return tell(name, problem);
  } catch (const interruption&) {
    std::fprintf(stderr, "%s: interrupted, nothing was written\n", name.c_str());
    return 128 + interrupt_signal;
  } catch (const dnalm::error& problem) {
    return tell(name, problem);
  } catch (const std::bad_alloc&) {
    return tell(name, dnalm::error(dnalm::error_kind::memory, 704, "out of memory",
                                   {.expected = "more memory, or a smaller --memory"}));
  } catch (const std::exception& problem) {
    return tell(name, dnalm::error(dnalm::error_kind::internal, 705, "a defect of dnalm, please report it",
                                   {.found = problem.what()}));
  }
}

}  // namespace program
