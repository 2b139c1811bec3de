// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Starts a program as a child process that a test can kill, limit or deprive of its rights.
#pragma once

#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <map>
#include <string>
#include <vector>

#include "workbench.hpp"

namespace workbench {

/// How a child runs.
struct child_options {
  bool unprivileged = false;          ///< as nobody when the test runs as root
  rlim_t file_limit = RLIM_INFINITY;  ///< largest file, bytes
  int errors = -1;                    ///< takes its stderr; -1: nobody
};

/// Starts `DNALM_PROGRAM_DIR/<arguments[0]>`; ends with 127 when it cannot be started.
inline pid_t start(const std::vector<std::string>& arguments, const child_options& options = {}) {
  const std::string program = std::string(DNALM_PROGRAM_DIR "/") + arguments.at(0);
  std::vector<char*> words;
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const pid_t child = ::fork();
  if (child != 0) {
    ::close(nothing);
    return child;
  }
  ::dup2(nothing, 0);
  ::dup2(nothing, 1);
  ::dup2(options.errors < 0 ? nothing : options.errors, 2);
  if (options.file_limit != RLIM_INFINITY) {
    const rlimit limit{options.file_limit, options.file_limit};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  if (options.unprivileged && ::geteuid() == 0) {
    const bool dropped = ::setgroups(0, nullptr) == 0 && ::setgid(65534) == 0 && ::setuid(65534) == 0;
    if (!dropped) ::_exit(127);
  }
  ::execv(program.c_str(), words.data());
  ::_exit(127);
}

/// Exit code, or 128 + signal.
inline int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Runs to the end; stderr comes through a pipe, which no limit on files touches.
inline outcome run_child(const std::vector<std::string>& arguments, child_options options = {}) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return {.err = "no pipe"};
  options.errors = ends[1];
  const pid_t child = start(arguments, options);
  ::close(ends[1]);
  outcome result;
  char block[4096];
  for (ssize_t got = 1; got != 0;) {
    got = ::read(ends[0], block, sizeof block);
    if (got < 0 && errno != EINTR) break;
    result.err.append(block, static_cast<std::size_t>(got > 0 ? got : 0));
  }
  ::close(ends[0]);
  result.code = wait_for(child);
  return result;
}

/// Every file below a folder (or the file itself) with its bytes; empty when there is nothing.
inline std::map<std::string, std::string> snapshot(const fs::path& place) {
  std::map<std::string, std::string> files;
  if (fs::is_regular_file(place)) files[""] = content(place);
  if (!fs::is_directory(place)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(place)) {
    const std::string name = fs::relative(entry.path(), place).string();
    files[name] = entry.is_regular_file() ? content(entry.path()) : "a folder";
  }
  return files;
}

}  // namespace workbench
