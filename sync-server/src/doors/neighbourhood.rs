//! Where sockets come from.

use std::net::{IpAddr, Ipv6Addr};

/// Where a socket comes from, as far as that says who it is: an address, of which a household or a
/// machine has one; of IPv6 the first half, since whoever has one such address has all the others with
/// the same half.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Neighbourhood(IpAddr);

impl Neighbourhood {
    /// Where an address lies.
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let half = u128::from(u64::MAX) << 64;
                IpAddr::V6(Ipv6Addr::from(u128::from(address) & half))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv6_counts_by_its_first_half() {
        let of = |address: &str| Neighbourhood::of(address.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
