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

char _license[] __attribute__((section("license"), used)) = "GPL";
