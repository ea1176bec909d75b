# shellcheck shell=sh disable=SC2154,SC2034 # work and top are of lib.sh; scripts use what is set here
# SPDX-License-Identifier: MIT
# web.sh - where lists of revocation are fetched from.

# A web server of one connection at a time: files below $www with their times, and two
# addresses that lead elsewhere.
www=$work/www
start_server() {
	mkdir -p "$www"
	: >"$work/server.log"
	cat >"$work/server.pl" <<-'END'
		use strict;
		use IO::Socket::INET;
		my ($www, $log) = @ARGV;
		my @day = qw(Sun Mon Tue Wed Thu Fri Sat);
		my @month = qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec);
		my $server = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => 8090,
			Listen => 16, ReuseAddr => 1) or die "no socket: $!";
		open(my $out, '>>', $log) or die;
		$out->autoflush(1);
		print $out "listening\n";
		while (my $peer = $server->accept) {
			my ($path, $since) = ('', '');
			while (my $line = <$peer>) {
				$path = $1 if $line =~ m{^GET (/\S*)};
				$since = $1 if $line =~ /^If-Modified-Since: (.*?)\r/i;
				last if $line =~ /^\r?\n/;
			}
			my ($status, $more, $body) = ('404 Not Found', '', 'none');
			if ($path =~ m{^/to/(.*)}) {
				($status, $more) = ('302 Found', "Location: $1\r\n");
			} elsif (open(my $in, '<', "$www$path")) {
				my @t = gmtime((stat $in)[9]);
				my $time = sprintf('%s, %02d %s %d %02d:%02d:%02d GMT', $day[$t[6]],
					$t[3], $month[$t[4]], $t[5] + 1900, @t[2, 1, 0]);
				local $/;
				($status, $body) = $since eq $time ? ('304 Not Modified', '') :
					('200 OK', <$in>);
				$more = "Last-Modified: $time\r\n";
			}
			print $peer "HTTP/1.1 $status\r\n${more}Connection: close\r\n",
				'Content-Length: ', length $body, "\r\n\r\n", $body;
			close $peer;
			print $out "$path $status\n";
		}
	END
	perl "$work/server.pl" "$www" "$work/server.log" 2>>"$work/perl.log" &
	server_pid=$!
	until_true grep -q listening "$work/server.log" || die "the web server did not start"
}

# serve_list FILE [NAME]: as what is new at the server's issuing.crl, or by that name
served=0
serve_list() {
	served=$((served + 1))
	cp "$1" "$www/aside"
	touch -d "2026-01-01 00:00:$(printf %02d $served) UTC" "$www/aside"
	mv "$www/aside" "$www/${2:-issuing.crl}"
}
