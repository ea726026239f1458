// Makes it possible to drop, when a process is killed, every change that it had not synced. This is the idea of
// LazyFS (Ramos et al., "When Amnesia Strikes", VLDB 2024), as a library for LD_PRELOAD instead of FUSE.
//
// Each change below LOSSY_FILES is made at once, so that every reader sees it. Before it is made, what it
// replaces is appended to the file LOSSY_UNDO, and each sync is appended too. After the kill, undo.ts takes back
// the changes that no sync covers. LOSSY_SYNC_US delays each sync, so that kills come during one.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { CHANGE = 1, SYNC_BEGINS, SYNC_ENDS, CREATE, REMOVE, RENAME, REMOVE_DIRECTORY };

// An entry of the undo log: this, then `length` bytes.
struct entry {
  uint64_t kind;
  uint64_t inode;   // of the file that changes, or of the directory that does
  uint64_t size;    // CHANGE: of the file before; SYNC_*: a number that joins the two; RENAME: the moved inode
  uint64_t offset;  // CHANGE: where the bytes were
  uint64_t length;
};

static char files[PATH_MAX];
static char kept[PATH_MAX];
static size_t files_length;
static int undo = -1;
static useconds_t delay;
static uint64_t numbers;
// One change at a time, so that the log has them in the order in which they were made.
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

static void fail(const char *what) {
  dprintf(2, "lossy: %s: %s\n", what, strerror(errno));
  abort();
}

__attribute__((constructor)) static void begin(void) {
  const char *directory = getenv("LOSSY_FILES");
  const char *log = getenv("LOSSY_UNDO");
  if (!directory || !log) return;
  if (!realpath(directory, files)) fail(directory);
  files_length = strlen(files);
  const char *microseconds = getenv("LOSSY_SYNC_US");
  delay = microseconds ? (useconds_t)atoi(microseconds) : 0;
  undo = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (undo < 0) fail(log);
  snprintf(kept, sizeof kept, "%s.kept", log);
  mkdir(kept, 0700);
}

// The absolute path, of which the last part need not exist; 0 if it is not below LOSSY_FILES.
static int resolve(const char *path, char *into) {
  if (undo < 0 || !path) return 0;
  char directory[PATH_MAX], real_directory[PATH_MAX];
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof directory) return 0;
  memcpy(directory, path, length + 1);
  while (length > 1 && directory[length - 1] == '/') directory[--length] = 0;
  char *slash = strrchr(directory, '/');
  const char *name = slash ? slash + 1 : directory;
  const char *parent = slash == directory ? "/" : slash ? directory : ".";
  if (slash) *slash = 0;
  if (!realpath(parent, real_directory)) return 0;
  if (snprintf(into, PATH_MAX, "%s/%s", real_directory, name) >= PATH_MAX) return 0;
  return strncmp(into, files, files_length) == 0 && into[files_length] == '/';
}

// Whether the descriptor is a file or directory below LOSSY_FILES, also one that was unlinked.
static int is_watched(int fd, struct stat *found) {
  if (undo < 0) return 0;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < (ssize_t)files_length || strncmp(path, files, files_length) != 0) return 0;
  if (length > (ssize_t)files_length && path[files_length] != '/') return 0;
  return fstat(fd, found) == 0 && (S_ISREG(found->st_mode) || S_ISDIR(found->st_mode));
}

static void note(struct entry entry, const void *bytes) {
  struct iovec parts[] = {{&entry, sizeof entry}, {(void *)bytes, entry.length}};
  long written = syscall(SYS_writev, undo, parts, entry.length ? 2 : 1);
  if (written != (long)(sizeof entry + entry.length)) fail("the undo log");
}

// Before `length` bytes at `offset` change, or the size does.
static void note_change(int fd, const struct stat *file, uint64_t offset, uint64_t length) {
  uint64_t size = (uint64_t)file->st_size;
  uint64_t end = offset + length < size ? offset + length : size;
  uint64_t count = offset < end ? end - offset : 0;
  char *bytes = malloc(count + 1);
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  // Opened once more: the descriptor may be for writing only.
  int reader = count ? (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0) : -1;
  if (!bytes || (count && reader < 0)) fail("reading what is to change");
  for (uint64_t done = 0; done < count;) {
    ssize_t n = pread(reader, bytes + done, count - done, (off_t)(offset + done));
    if (n <= 0) fail("reading what is to change");
    done += (uint64_t)n;
  }
  if (reader >= 0) syscall(SYS_close, reader);
  note((struct entry){CHANGE, file->st_ino, size, offset, count}, bytes);
  free(bytes);
}

static uint64_t parent_of(const char *path) {
  char parent[PATH_MAX];
  struct stat found;
  strcpy(parent, path);
  *strrchr(parent, '/') = 0;
  return stat(parent, &found) == 0 ? found.st_ino : 0;
}

static void note_create(const char *path) {
  note((struct entry){CREATE, parent_of(path), 0, 0, strlen(path)}, path);
}

// Keeps the file at `path` under another name; empty if there is no such file.
static void keep(const char *path, char *name) {
  static uint64_t count;
  do {
    int length = snprintf(name, PATH_MAX, "%s/%d-%llu", kept, getpid(), (unsigned long long)count++);
    if (length >= PATH_MAX) fail("the name of a file that is kept");
    if (syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, name, 0) == 0) return;
  } while (errno == EEXIST);
  *name = 0;
}

static void note_paths(struct entry entry, const char *one, const char *two, const char *three) {
  char bytes[3 * PATH_MAX];
  entry.length = (uint64_t)snprintf(bytes, sizeof bytes, "%s\n%s\n%s", one, two, three);
  note(entry, bytes);
}

#define ALONE(...)                  \
  do {                              \
    pthread_mutex_lock(&mutex);     \
    __VA_ARGS__;                    \
    int error_ = errno;             \
    pthread_mutex_unlock(&mutex);   \
    errno = error_;                 \
  } while (0)

// Writes.

static off_t place_of(int fd, const struct stat *file) {
  return fcntl(fd, F_GETFL) & O_APPEND ? file->st_size : lseek(fd, 0, SEEK_CUR);
}

#define WATCHED_WRITE(fd, at, count, call)                         \
  struct stat file;                                                \
  ssize_t written;                                                 \
  if (!is_watched(fd, &file)) return call;                         \
  ALONE({                                                          \
    fstat(fd, &file);                                              \
    off_t position = at;                                           \
    note_change(fd, &file, (uint64_t)position, (uint64_t)(count)); \
    written = call;                                                \
  });                                                              \
  return written;

static size_t total(const struct iovec *parts, int count) {
  size_t sum = 0;
  for (int index = 0; index < count; index++) sum += parts[index].iov_len;
  return sum;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  WATCHED_WRITE(fd, place_of(fd, &file), count, REAL(write)(fd, bytes, count))
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  WATCHED_WRITE(fd, place_of(fd, &file), total(parts, count), REAL(writev)(fd, parts, count))
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  WATCHED_WRITE(fd, offset, count, REAL(pwrite64)(fd, bytes, count, offset))
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  return pwrite64(fd, bytes, count, offset);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  WATCHED_WRITE(fd, offset, total(parts, count), REAL(pwritev64)(fd, parts, count, offset))
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  return pwritev64(fd, parts, count, offset);
}

int ftruncate64(int fd, off64_t size) {
  struct stat file;
  int result;
  if (!is_watched(fd, &file)) return REAL(ftruncate64)(fd, size);
  ALONE({
    fstat(fd, &file);
    note_change(fd, &file, (uint64_t)size, (uint64_t)file.st_size);
    result = REAL(ftruncate64)(fd, size);
  });
  return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

// What would change a file unseen is refused; its callers take another way.
ssize_t sendfile64(int out, int in, off64_t *offset, size_t count) {
  struct stat file;
  if (!is_watched(out, &file)) return REAL(sendfile64)(out, in, offset, count);
  errno = EINVAL;
  return -1;
}
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t count, unsigned flags) {
  struct stat file;
  if (!is_watched(out, &file)) return REAL(copy_file_range)(in, from, out, to, count, flags);
  errno = EXDEV;
  return -1;
}

// Syncs. Those of the kernel are left out: nothing here takes the kernel's own power away.

static int sync_of(int fd, int (*run)(int)) {
  struct stat file;
  uint64_t number;
  if (!is_watched(fd, &file)) return run(fd);
  ALONE({
    number = (uint64_t)getpid() << 32 | numbers++;
    note((struct entry){SYNC_BEGINS, file.st_ino, number, 0, 0}, NULL);
  });
  if (delay) usleep(delay);
  ALONE(note((struct entry){SYNC_ENDS, file.st_ino, number, 0, 0}, NULL));
  return 0;
}
int fsync(int fd) { return sync_of(fd, REAL(fsync)); }
int fdatasync(int fd) { return sync_of(fd, REAL(fdatasync)); }

// Names.

static int open_at(int directory, const char *path, int flags, mode_t mode) {
  char absolute[PATH_MAX];
  int is_changing = flags & (O_CREAT | O_TRUNC);
  if (!is_changing || !resolve(path, absolute)) return (int)syscall(SYS_openat, directory, path, flags, mode);
  int fd;
  ALONE({
    struct stat file;
    if (lstat(absolute, &file) != 0) {
      if (flags & O_CREAT) note_create(absolute);
    } else if (flags & O_TRUNC && S_ISREG(file.st_mode)) {
      int reader = (int)syscall(SYS_openat, AT_FDCWD, absolute, O_RDONLY | O_CLOEXEC, 0);
      if (reader >= 0) {
        note_change(reader, &file, 0, (uint64_t)file.st_size);
        syscall(SYS_close, reader);
      }
    }
    fd = (int)syscall(SYS_openat, directory, path, flags, mode);
  });
  return fd;
}

#define MODE_OF(flags)                                 \
  mode_t mode = 0;                                     \
  if ((flags) & (O_CREAT | __O_TMPFILE)) {             \
    va_list more;                                      \
    va_start(more, flags);                             \
    mode = va_arg(more, mode_t);                       \
    va_end(more);                                      \
  }

int open64(const char *path, int flags, ...) {
  MODE_OF(flags)
  return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}
int open(const char *path, int flags, ...) {
  MODE_OF(flags)
  return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int mkdir(const char *path, mode_t mode) {
  char absolute[PATH_MAX];
  struct stat found;
  int result;
  if (!resolve(path, absolute)) return REAL(mkdir)(path, mode);
  ALONE({
    if (lstat(absolute, &found) != 0) note_create(absolute);
    result = REAL(mkdir)(path, mode);
  });
  return result;
}

int link(const char *from, const char *to) {
  char absolute[PATH_MAX];
  struct stat found;
  int result;
  if (!resolve(to, absolute)) return REAL(link)(from, to);
  ALONE({
    if (lstat(absolute, &found) != 0) note_create(absolute);
    result = REAL(link)(from, to);
  });
  return result;
}

int rename(const char *from, const char *to) {
  char absolute_from[PATH_MAX], absolute_to[PATH_MAX], saved[PATH_MAX];
  struct stat moved;
  int result;
  if (!resolve(from, absolute_from) || !resolve(to, absolute_to) || lstat(absolute_from, &moved) != 0)
    return REAL(rename)(from, to);
  ALONE({
    keep(absolute_to, saved);
    struct entry entry = {RENAME, parent_of(absolute_to), moved.st_ino, 0, 0};
    note_paths(entry, absolute_from, absolute_to, saved);
    result = REAL(rename)(from, to);
  });
  return result;
}

static int remove_file(const char *path, int (*run)(const char *)) {
  char absolute[PATH_MAX], saved[PATH_MAX];
  struct stat found;
  int result;
  if (!resolve(path, absolute) || lstat(absolute, &found) != 0) return run(path);
  ALONE({
    struct entry entry = {REMOVE, parent_of(absolute), 0, 0, 0};
    if (S_ISDIR(found.st_mode)) {
      entry.kind = REMOVE_DIRECTORY;
      note_paths(entry, absolute, "", "");
    } else if (S_ISREG(found.st_mode)) {
      keep(absolute, saved);
      note_paths(entry, absolute, saved, "");
    }
    result = run(path);
  });
  return result;
}
int unlink(const char *path) { return remove_file(path, REAL(unlink)); }
int rmdir(const char *path) { return remove_file(path, REAL(rmdir)); }
int remove(const char *path) { return remove_file(path, REAL(remove)); }
