using System.Net;
using System.Net.Sockets;

namespace AgentLightning.Server.Limits;

/// <summary>What counts as one client.</summary>
internal static class ClientNetwork
{
    /// <summary>The address; of IPv6 its network, because one host has 2⁶⁴ addresses to choose from.</summary>
    public static string Of(IPAddress? address)
    {
        if (address is null or { AddressFamily: not AddressFamily.InterNetworkV6 } or { IsIPv4MappedToIPv6: true })
        {
            return address?.MapToIPv4().ToString() ?? "";
        }

        return Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8));
    }
}
