// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// A stablecoin as its issuer would make one: ERC-20 with 6 decimals, and EIP-3009. Anybody may mint: it is for tests.
contract TestToken {
    string public name;
    string public symbol;
    string public constant version = "2";
    uint8 public constant decimals = 6;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    mapping(address => mapping(bytes32 => bool)) public authorizationState;
    mapping(address => bool) public isBlacklisted;
    bool public paused;

    bytes32 private constant RECEIVE = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);

    constructor(string memory name_, string memory symbol_) {
        name = name_;
        symbol = symbol_;
    }

    function setBlacklisted(address account, bool value) external {
        isBlacklisted[account] = value;
    }

    function setPaused(bool value) external {
        paused = value;
    }

    function mint(address to, uint256 value) external {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function mintMany(address[] calldata to, uint256[] calldata values) external {
        for (uint256 i = 0; i < to.length; i++) {
            totalSupply += values[i];
            balanceOf[to[i]] += values[i];
            emit Transfer(address(0), to[i], values[i]);
        }
    }

    /// Many transfers in one transaction.
    function transferMany(address[] calldata to, uint256[] calldata values) external {
        for (uint256 i = 0; i < to.length; i++) move(msg.sender, to[i], values[i]);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        allowance[from][msg.sender] -= value;
        move(from, to, value);
        return true;
    }

    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        require(to == msg.sender, "caller must be the payee");
        require(block.timestamp > validAfter && block.timestamp < validBefore, "not valid now");
        require(!authorizationState[from][nonce], "used");
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                block.chainid,
                address(this)
            )
        );
        bytes32 message = keccak256(abi.encode(RECEIVE, from, to, value, validAfter, validBefore, nonce));
        require(ecrecover(keccak256(abi.encodePacked("\x19\x01", domain, message)), v, r, s) == from, "signature");
        authorizationState[from][nonce] = true;
        emit AuthorizationUsed(from, nonce);
        move(from, to, value);
    }

    function move(address from, address to, uint256 value) internal virtual {
        require(to != address(0), "zero address");
        require(!paused && !isBlacklisted[from] && !isBlacklisted[to], "stopped by the issuer");
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}

/// A token in the manner of old ones: `transfer` returns nothing, some may not receive, and a part of each transfer is
/// kept, whatever its event says.
contract OldToken {
    uint8 public immutable decimals;
    uint256 public immutable feeThousandths;
    mapping(address => uint256) public balanceOf;
    mapping(address => bool) public blocked;
    bool public paused;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(uint8 decimals_, uint256 feeThousandths_) {
        decimals = decimals_;
        feeThousandths = feeThousandths_;
    }

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function block_(address account) external {
        blocked[account] = true;
    }

    function pause(bool value) external {
        paused = value;
    }

    function transfer(address to, uint256 value) external {
        require(!paused, "paused");
        require(!blocked[to], "blocked");
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value - (value * feeThousandths) / 1000;
        emit Transfer(msg.sender, to, value);
    }

    /// Says that something was moved, and moves nothing.
    function pretend(address from, address to, uint256 value) external {
        emit Transfer(from, to, value);
    }

    /// Says so any number of times, to one address after the other.
    function pretendMany(address from, address[] calldata to, uint256 times) external {
        for (uint256 i = 0; i < times; i++) emit Transfer(from, to[i % to.length], i + 1);
    }
}
