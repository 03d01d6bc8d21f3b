using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.ModelServer;

/// <summary>
/// Lets in who has the key. Without a key only this machine reaches the server, and then requests must name it as this machine and bring
/// JSON: a page in a browser can do neither in the name of another site.
/// </summary>
internal sealed class TinkerGuard(ModelServerOptions options)
{
    private readonly byte[]? _key = options.ApiKey is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(options.ApiKey));

    public Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        if (
            _key is not null
            && request.Path != "/api/v1/healthz"
            && !CryptographicOperations.FixedTimeEquals(
                _key,
                SHA256.HashData(Encoding.UTF8.GetBytes(request.Headers["X-API-Key"].ToString()))
            )
        )
        {
            throw new TinkerRefusal(StatusCodes.Status401Unauthorized, "Show the key of this server in the header X-API-Key.");
        }

        if (
            _key is null
            && !(
                request.Host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
                || (IPAddress.TryParse(request.Host.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address))
            )
        )
        {
            throw new TinkerRefusal(
                StatusCodes.Status421MisdirectedRequest,
                "A server without a key is reached by the name of this machine only."
            );
        }

        if (
            HttpMethods.IsPost(request.Method)
            && !(request.ContentType ?? "").StartsWith("application/json", StringComparison.OrdinalIgnoreCase)
        )
        {
            throw new TinkerRefusal(
                StatusCodes.Status415UnsupportedMediaType,
                "The body must be JSON, sent with 'content-type: application/json'."
            );
        }

        return next(context);
    }
}
