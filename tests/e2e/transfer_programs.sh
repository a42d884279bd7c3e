#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2154  # for transfer_test.sh, and from the files that it reads before
# The servers of transfer_test.sh, and what their clients do.

start_ftp() { # HOST ADDRESS PASSIVE-PORTS
    mkdir "$lab_folder/ftp" "$lab_folder/ftp.empty"
    cp "$lab_folder/www/update" "$lab_folder/ftp"
    chmod 711 "$lab_folder" # user ftp goes through
    cat >"$lab_folder/vsftpd.conf" <<END
listen=YES
background=NO
listen_address=$2
anonymous_enable=YES
no_anon_password=YES
anon_root=$lab_folder/ftp
secure_chroot_dir=$lab_folder/ftp.empty
connect_from_port_20=YES
connect_timeout=5
accept_timeout=5
pasv_min_port=${3%-*}
pasv_max_port=${3#*-}
seccomp_sandbox=NO
xferlog_enable=NO
END
    start "$1" ftp vsftpd "$lab_folder/vsftpd.conf"
    await "$1" tcp "$2:21"
}

start_sftp() { # HOST ADDRESS
    ssh-keygen -q -t ed25519 -N '' -f "$lab_folder/ssh.host"
    ssh-keygen -q -t ed25519 -N '' -f "$lab_folder/ssh.user"
    cat >"$lab_folder/sshd.conf" <<END
ListenAddress $2:22
HostKey $lab_folder/ssh.host
AuthorizedKeysFile $lab_folder/ssh.user.pub
PidFile none
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
Subsystem sftp internal-sftp
END
    # Its folder for separated privileges is in a /run of its own.
    # shellcheck disable=SC2016  # for the shell there
    start "$1" sftp "${own_mounts[@]}" sh -c \
        'mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec /usr/sbin/sshd -D -e -f "$0"' \
        "$lab_folder/sshd.conf"
    await "$1" tcp "$2:22"
}

# A server of backups says what it was sent by its SHA-256.
start_backup() { # HOST ADDRESS...
    local address
    for address in "${@:2}"; do
        : >"$lab_folder/stored.$address"
        start "$1" "backup.$address" socat -u -b 65536 "TCP-LISTEN:16384,bind=$address,reuseaddr,fork" \
            "SYSTEM:sha256sum >>'$lab_folder/stored.$address'"
        await "$1" tcp "$address:16384"
    done
}

arrived_unharmed() { cmp -s "$lab_folder/fetched" "$lab_folder/www/update"; }

# fetches HOST SOURCE http|https ADDRESS:PORT [OPTION...]: the whole file, unharmed.
fetches() {
    on "$1" curl -sS --cacert "$certificate" --connect-to "::$4" --interface "$2" --max-time 60 "${@:5}" \
        "$3://lab.example/update" >"$lab_folder/fetched" 2>>"$lab_folder/said" || fail "$1 ($2) cannot fetch from $4"
    arrived_unharmed || fail "$1 ($2) fetched something else from $4"
}

by_proxy() { # HOST SOURCE ADDRESS:PORT: HTTP through the SOCKS proxy
    on "$1" curl -sS --proxy "socks5://$proxy:1080" --interface "$2" --max-time "$patience" "http://$3/update" \
        >"$lab_folder/fetched.$3" 2>>"$lab_folder/said" && cmp -s "$lab_folder/fetched.$3" "$lab_folder/www/update"
}

downloads() { # HOST SOURCE passive|active ADDRESS
    local options=() fetched=$lab_folder/fetched.$2.$3
    [[ $3 == passive ]] || options=(--ftp-port "$2")
    on "$1" curl -sS --interface "$2" "${options[@]}" --max-time "$patience" "ftp://$4/update" >"$fetched" 2>>"$lab_folder/said" &&
        cmp -s "$fetched" "$lab_folder/www/update"
}

sftp_downloads() { # HOST SOURCE ADDRESS
    on "$1" sftp -q -F /dev/null -b - -i "$lab_folder/ssh.user" -o BindAddress="$2" -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null "root@$3:$lab_folder/www/update" "$lab_folder/fetched" </dev/null \
        >>"$lab_folder/said" 2>&1 && arrived_unharmed
}

# backs_up HOST ADDRESS BYTES SOCAT-ADDRESS: encrypted before it leaves. The SHA-256 is the same at both ends.
backs_up() {
    local before stored=$lab_folder/stored.$2
    before=$(wc -l <"$stored")
    head -c "$3" /dev/zero | openssl enc -aes-128-ctr -K "$(openssl rand -hex 16)" -iv "$(openssl rand -hex 16)" |
        tee >(sha256sum >"$lab_folder/sent") | on "$1" socat -u -b 65536 - "$4" ||
        fail "the backup of $3 bytes to $2 fails"
    waits_for 60 stored_after "$before" || fail "$2 has not stored the backup"
    equal "SHA-256 of $3 bytes at $2" "$(tail -n 1 "$stored")" "$(<"$lab_folder/sent")"
}
stored_after() { (($(wc -l <"$stored") > $1)); }

from_port() { # HOST SOURCE PORT ADDRESS:PORT
    on "$1" nc -z -w "$patience" -s "$2" -p "$3" "${4%:*}" "${4#*:}" 2>>"$lab_folder/said"
}
pings() { on "$1" ping -q -c 1 -W "$patience" -I "$2" "$3" >>"$lab_folder/said" 2>&1; } # HOST SOURCE ADDRESS

announces() { # HOST SOURCE COUNT TARGET...: as the server of timeSensor does
    local target number
    for target in "${@:4}"; do
        for ((number = 0; number < $3; number++)); do
            echo "timeSensor on $2" | on "$1" socat -u - "UDP-DATAGRAM:$target:19813,bind=$2:19813,broadcast,reuseaddr"
        done
    done
}
hears() { # HOST: what is announced there; a host hears itself too
    start "$1" "hears.$1" socat -u UDP-RECV:19813,reuseaddr "OPEN:$lab_folder/heard.$1,creat"
    await "$1" udp :19813
}
heard() { grep -o "timeSensor on $2\$" "$lab_folder/heard.$1" | wc -l; } # HOST SOURCE
