// SPDX-License-Identifier: GPL-2.0-only
// Programs of somebody else, for the stories about cards that are not edgefw's alone. They need no header.
__attribute__((section("xdp"), used)) int foreign_received(void* context) {
    (void)context;
    return 2; /* XDP_PASS */
}

__attribute__((section("tc"), used)) int foreign_sent(void* context) {
    (void)context;
    return -1; /* TC_ACT_UNSPEC: whatever comes next */
}

__attribute__((section("tc"), used)) int foreign_final(void* context) {
    (void)context;
    return 0; /* TC_ACT_OK: it passes, and nobody else is asked */
}

__attribute__((section("tc"), used)) int foreign_drop(void* context) {
    (void)context;
    return 2; /* TC_ACT_SHOT */
}

// Counts packets that are longer than any on a wire, and lets whatever comes next judge them.
struct {
    int (*type)[2];  // BPF_MAP_TYPE_ARRAY
    int (*max_entries)[1];
    unsigned int* key;
    unsigned long long* value;
} foreign_big __attribute__((section(".maps"), used));

__attribute__((section("tc"), used)) int foreign_count_big(const unsigned int* length_of_packet) {
    static void* (*const look_up)(void*, const void*) = (void*)1;
    const unsigned int zero = 0;
    unsigned long long* count = look_up(&foreign_big, &zero);

    if (count && *length_of_packet > 65535 + 14) __sync_fetch_and_add(count, 1);
    return -1; /* TC_ACT_UNSPEC */
}

char _license[] __attribute__((section("license"), used)) = "GPL";
