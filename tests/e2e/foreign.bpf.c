// Programs of somebody else, for the stories about cards that are not edgefw's alone. They need no header.
__attribute__((section("xdp"), used)) int foreign_received(void* context)
{
    (void)context;
    return 2; /* XDP_PASS */
}

__attribute__((section("tc"), used)) int foreign_sent(void* context)
{
    (void)context;
    return -1; /* TC_ACT_UNSPEC: whatever comes next */
}

__attribute__((section("tc"), used)) int foreign_final(void* context)
{
    (void)context;
    return 0; /* TC_ACT_OK: it passes, and nobody else is asked */
}

__attribute__((section("tc"), used)) int foreign_drop(void* context)
{
    (void)context;
    return 2; /* TC_ACT_SHOT */
}

char _license[] __attribute__((section("license"), used)) = "GPL";
